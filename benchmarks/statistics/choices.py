def chosen_tables(out): return {}
