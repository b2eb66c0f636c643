package filters

// grayscale asks for gray pictures. As the first filter it saves work: the decoder then leaves the colours out.
var grayscale = Kind{
	Name: "grayscale",
	Doc:  "Makes the picture gray, which also makes everything after it faster.",
	In:   Gray, Out: Gray,
}
