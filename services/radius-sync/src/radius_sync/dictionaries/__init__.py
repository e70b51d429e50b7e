"""Our own RADIUS dictionary, in FreeRADIUS' format: pyrad has none and cannot load FreeRADIUS'."""
