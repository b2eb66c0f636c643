// Package pipeline takes the frames of a camera through its chain of filters to the sinks.
//
// A [Config] is what filters.yaml says. A [Plan] is one chain, checked, tried in a dry run and frozen. A [Controller]
// holds the plan in force and swaps it while frames are moving. A [Camera] decodes each frame, takes it through the
// plan that was in force when it arrived, on several workers in parallel, and shows it in the order of arrival. A [Hub]
// gives each camera that comes its Camera.
package pipeline
