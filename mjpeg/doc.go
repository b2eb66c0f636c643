// Package mjpeg knows JPEG bytes: where one picture of a stream ends and the next begins, what its header says, and
// the stamp that picam puts into it. It never looks at pixels; [picam/mjpeg/turbo] does.
package mjpeg
