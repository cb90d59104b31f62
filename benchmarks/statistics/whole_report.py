def any_false_word(out): return []
