// The reference: a loop of OpenCV and libjpeg-turbo calls on one thread, without a network. It reads CLIP, a file of JPEG
// frames one after another without thumbnails, into memory and then takes each frame through
//
//   chain  decode to gray, GaussianBlur 5 × 5, Canny 50, 150
//   gray   decode to gray
//   bgr    decode to BGR
//   imdecode-gray, imdecode-bgr    the same by OpenCV's imdecode, into the same memory each time
//
// With FPS it waits for the time of each frame, as a camera makes it wait. It prints what the loop took, how many
// pixels of the last frame are edges, and the processor time (median) and the time (median, 99 %) of a frame.
//
//   reference WHAT CLIP [FPS]

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <thread>
#include <turbojpeg.h>
#include <vector>

static double seconds(clockid_t clock) {
	timespec t;
	clock_gettime(clock, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static void fail(const char *what) {
	std::fprintf(stderr, "reference: %s\n", what);
	std::exit(1);
}

int main(int argc, char **argv) {
	if (argc < 3) fail("want WHAT CLIP [FPS]");
	std::string what = argv[1];
	bool chain = what == "chain", colour = what == "bgr" || what == "imdecode-bgr", imdecode = what.rfind("imdecode", 0) == 0;
	double fps = argc > 3 ? std::atof(argv[3]) : 0;

	std::FILE *f = std::fopen(argv[2], "rb");
	if (!f) fail("cannot open the clip");
	std::fseek(f, 0, SEEK_END);
	std::vector<unsigned char> clip(std::ftell(f));
	std::rewind(f);
	if (std::fread(clip.data(), 1, clip.size(), f) != clip.size()) fail("cannot read the clip");
	std::vector<size_t> ends{0};
	for (size_t i = 0; i + 1 < clip.size(); i++)
		if (clip[i] == 0xFF && clip[i + 1] == 0xD9) ends.push_back(i + 2);

	cv::setNumThreads(1);
	tjhandle tj = tjInitDecompress();
	cv::Mat decoded, blurred, edges;
	std::vector<double> cpu, wall;
	double begin = seconds(CLOCK_MONOTONIC), begin_cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	for (size_t i = 0; i + 1 < ends.size(); i++) {
		if (fps > 0) {
			double wait = begin + i / fps - seconds(CLOCK_MONOTONIC);
			if (wait > 0) std::this_thread::sleep_for(std::chrono::duration<double>(wait));
		}
		double cpu0 = seconds(CLOCK_THREAD_CPUTIME_ID), wall0 = seconds(CLOCK_MONOTONIC);
		unsigned char *jpeg = &clip[ends[i]];
		unsigned long size = ends[i + 1] - ends[i];
		if (imdecode) {
			cv::Mat bytes(1, (int)size, CV_8UC1, jpeg);
			cv::imdecode(bytes, colour ? cv::IMREAD_COLOR : cv::IMREAD_GRAYSCALE, &decoded);
		} else {
			int width, height, subsampling, colourspace;
			if (tjDecompressHeader3(tj, jpeg, size, &width, &height, &subsampling, &colourspace)) fail(tjGetErrorStr2(tj));
			decoded.create(height, width, colour ? CV_8UC3 : CV_8UC1);
			if (tjDecompress2(tj, jpeg, size, decoded.data, width, decoded.step, height, colour ? TJPF_BGR : TJPF_GRAY,
					TJFLAG_ACCURATEDCT))
				fail(tjGetErrorStr2(tj));
		}
		if (chain) {
			cv::GaussianBlur(decoded, blurred, cv::Size(5, 5), 0);
			cv::Canny(blurred, edges, 50, 150);
		}
		cpu.push_back(seconds(CLOCK_THREAD_CPUTIME_ID) - cpu0);
		wall.push_back(seconds(CLOCK_MONOTONIC) - wall0);
	}
	double took = seconds(CLOCK_MONOTONIC) - begin, took_cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - begin_cpu;
	if (cpu.empty()) fail("the clip holds no frame");
	auto at = [](std::vector<double> &v, double q) {
		std::sort(v.begin(), v.end());
		return v[size_t(q * (v.size() - 1))] * 1e6;
	};
	std::printf("frames %zu seconds %.6f cpu-seconds %.6f edges %d frame-cpu-us %.1f wall-us-p50 %.1f wall-us-p99 %.1f\n",
		cpu.size(), took, took_cpu, edges.empty() ? 0 : cv::countNonZero(edges), at(cpu, .5), at(wall, .5), at(wall, .99));
}
