"""An operator's view of the four tables: look up, list, export, import, erase.

`make kv-get`, `kv-list`, `export`, `import`, `erase-user` and `erase-developer` call it. It works with the operator's
credentials and may scan; no service may.
"""
