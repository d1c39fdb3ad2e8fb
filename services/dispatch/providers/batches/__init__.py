"""The parts of `sftp_manifest.py`: the house's form, the tray on our disk, the way to the house."""
