package capture

import (
	"encoding/json"
	"testing"
)

func TestParseRpicamList(t *testing.T) {
	const text = `[0:00:01.234] [99]  INFO Camera camera_manager.cpp:326 libcamera v0.5.0
Available cameras
-----------------
0 : imx708_wide [4608x2592 10-bit RGGB] (/base/axi/pcie@1000120000/rp1/i2c@80000/imx708@1a)
    Modes: 'SRGGB10_CSI2P' : 1536x864 [120.13 fps - (768, 432)/3072x1728 crop]
                             4608x2592 [14.35 fps - (0, 0)/4608x2592 crop]
           'SRGGB8' : 640x480 [58.92 fps - (16, 0)/2560x1920 crop]

1 : ov5647 [2592x1944] (/base/soc/i2c0mux/i2c@1/ov5647@36)
    Modes: 'SGBRG10_CSI2P' : 2592x1944
2 : USB (\_SB_.PCI0.XHCI-1:1.0-046d:0825)
`
	const want = `[{"source":"rpicam:0","path":"/base/axi/pcie@1000120000/rp1/i2c@80000/imx708@1a",` +
		`"card":"imx708_wide",` +
		`"driver":"rpicam-vid","bus":"CSI","formats":[{"name":"SRGGB10_CSI2P","description":"of the sensor",` +
		`"use":"by rpicam-vid",` +
		`"sizes":[{"width":1536,"height":864,"fps":[120.13]},{"width":4608,"height":2592,"fps":[14.35]}]},` +
		`{"name":"SRGGB8","description":"of the sensor","use":"by rpicam-vid","sizes":[{"width":640,"height":480,` +
		`"fps":[58.92]}]}],` +
		`"controls":[],"users":[]},` +
		`{"source":"rpicam:1","path":"/base/soc/i2c0mux/i2c@1/ov5647@36","card":"ov5647","driver":"rpicam-vid",` +
		`"bus":"CSI",` +
		`"formats":[{"name":"SGBRG10_CSI2P","description":"of the sensor","use":"by rpicam-vid",` +
		`"sizes":[{"width":2592,"height":1944,"fps":[]}]}],` +
		`"controls":[],"users":[]},` +
		`{"source":"rpicam:2","path":"\\_SB_.PCI0.XHCI-1:1.0-046d:0825","card":"USB","driver":"rpicam-vid",` +
		`"bus":"CSI","formats":[],` +
		`"controls":[],"users":[]}]`
	got, err := json.Marshal(parseRpicamList(text, "rpicam-vid"))
	if err != nil || string(got) != want {
		t.Errorf("%v\ngot  %s\nwant %s", err, got, want)
	}
	if list := parseRpicamList("No cameras available!\n", "rpicam-vid"); list != nil {
		t.Errorf("got %+v", list)
	}
}

func TestRpicamDevices(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if list := RpicamDevices(t.Context()); list != nil {
		t.Errorf("without rpicam-vid: %+v", list)
	}
	installFake(t, "rpicam-vid", "run")
	if list := RpicamDevices(t.Context()); len(list) != 1 || list[0].Source != "rpicam:0" || list[0].Card != "imx219" {
		t.Errorf("got %+v", list)
	}
}
