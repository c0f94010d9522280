"""Language work of the knowledge layer, in pure functions: normalising, segmenting, sentences, numbers and negation."""
