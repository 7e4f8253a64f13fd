"""Language models behind one small port, over HTTP. None is used unless the settings name one."""
