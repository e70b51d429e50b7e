"""Payment gateways, one file each behind one interface (`interface.py`), made by `registry.py`."""
