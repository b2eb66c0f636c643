package filters

// grayscale asks for gray frames. As the first filter it saves work: the decoder then leaves the colours out.
var grayscale = Kind{
	Name: "grayscale",
	Doc:  "Makes the frame gray, which also makes everything after it faster.",
	In:   Gray, Out: Gray,
}
