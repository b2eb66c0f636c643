package filters

import _ "picam/filters/opencvcheck" // says what to type where OpenCV is too old for a plain go build
