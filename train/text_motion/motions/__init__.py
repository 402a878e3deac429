"""A data set of texts and motions made from recordings with short notes: uniform bodies, clips, captions, splits."""
