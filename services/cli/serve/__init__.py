"""One service, one process: `writ intake`, `writ relay`, `writ dispatch` …"""
