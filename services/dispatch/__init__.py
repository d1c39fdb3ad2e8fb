"""Plans, renders and hands over what intake accepted."""
