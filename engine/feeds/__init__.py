"""What comes in, by kind: samples, the latest pose, words, held values; and the gathering of a frame from them."""
