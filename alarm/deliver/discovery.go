package deliver

import (
	"fmt"
	"hash/fnv"
	"maps"
	"strings"
)

// camerasStatus is retained: whether somebody publishes the states of cameras.
const camerasStatus = "sightlog/cameras"

// shownState is the state of a camera as it is published.
type shownState struct {
	Occupancy string `json:"occupancy"` // ON or OFF: a person was seen within the last seconds
	Motion    string `json:"motion"`    // the same of an object that moves
	People    int    `json:"people"`
}

// discovery is the description of a camera's device for Home Assistant (MQTT device discovery).
func discovery(camera, base string, pictures bool) map[string]any {
	id := deviceID(camera)
	component := func(platform, name, field string, more map[string]any) map[string]any {
		c := map[string]any{
			"platform": platform, "name": name, "unique_id": id + "_" + field,
			"state_topic": base + "/state", "value_template": "{{ value_json." + field + " }}",
		}
		maps.Copy(c, more)
		return c
	}
	components := map[string]any{
		"occupancy": component("binary_sensor", "Occupancy", "occupancy", map[string]any{"device_class": "occupancy"}),
		"motion":    component("binary_sensor", "Motion", "motion", map[string]any{"device_class": "motion"}),
		"people":    component("sensor", "People", "people", map[string]any{"state_class": "measurement", "icon": "mdi:account-multiple"}),
	}
	components["snapshot"] = map[string]any{"platform": "image"} // alone: it is removed
	if pictures {
		components["snapshot"] = map[string]any{
			"platform": "image", "name": "Snapshot", "unique_id": id + "_snapshot", "image_topic": base + "/snapshot", "content_type": "image/jpeg",
		}
	}
	return map[string]any{
		"device":       map[string]any{"identifiers": []string{"sightlog_" + camera}, "name": "sightlog " + camera, "manufacturer": "sightlog"},
		"origin":       map[string]any{"name": "sightlog"},
		"components":   components,
		"qos":          1,
		"availability": []map[string]any{{"topic": camerasStatus}, {"topic": base + "/availability"}}, "availability_mode": "all",
	}
}

// deviceID is a camera's identity in a discovery topic, which has letters, digits, _ and - alone.
// A name with others has a number behind it, so that no two are the same.
func deviceID(camera string) string {
	plain := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			return c
		}
		return '_'
	}, camera)
	if plain != camera {
		h := fnv.New32a()
		_, _ = h.Write([]byte(camera))
		plain += fmt.Sprintf("_%08x", h.Sum32())
	}
	return "sightlog_" + plain
}

// topicPart is a camera's name as one level of a topic, which has no /, + and #.
func topicPart(camera string) string {
	return strings.NewReplacer("/", "_", "+", "_", "#", "_").Replace(camera)
}
