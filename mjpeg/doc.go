// Package mjpeg knows JPEG bytes: where one frame of a stream ends and the next begins, what a frame's header says,
// and the stamp that picam puts into it. It never looks at pixels; [picam/mjpeg/codec] does.
//
// A stream is frames one after another and nothing else, as rpicam-vid, ffmpeg and GStreamer write it; whatever
// stands between two frames, such as the headers of a multipart stream, is skipped. [Scanner] cuts it into frames.
// [Reader] does so too, takes out the stamps, and gives [Frame], which is what travels through picam.
//
// The markers and their rules are those of ITU T.81 (ISO 10918-1), called T.81 in comments.
package mjpeg
