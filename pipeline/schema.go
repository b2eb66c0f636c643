package pipeline

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"picam/filters"
)

// object is a JSON object.
type object = map[string]any

// WriteSchema writes the JSON Schema of a filters file (draft 2020-12, json-schema.org), with which editors complete
// and check it while it is written. What fits the schema may still be refused, for values that do not go together.
func WriteSchema(w io.Writer) error {
	stages := object{"$ref": "#/$defs/stages"}
	rules := object{"type": []string{"array", "null"}, "items": object{"$ref": "#/$defs/rule"},
		"description": "What to do when a stage finds something."}
	schema := object{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"title":       "picam filters file",
		"description": "What picam recv does to the frames of its cameras.",
		"type":        []string{"object", "null"},
		"properties": object{
			"filters": stages,
			"on":      rules,
			"cameras": object{
				"description":          "Cameras that have a chain of their own, by their names.",
				"type":                 []string{"object", "null"},
				"additionalProperties": closed(object{"filters": stages, "on": rules}),
			},
		},
		"additionalProperties": false,
		"$defs":                object{"stages": stagesSchema(), "rule": ruleSchema()},
	}
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(schema)
}

// closed is an object that has no other properties.
func closed(properties object) object {
	return object{"type": "object", "properties": properties, "additionalProperties": false}
}

func stagesSchema() object {
	var alone []string
	kinds := object{
		"name":    object{"type": "string", "minLength": 1, "description": "What the stage is called."},
		"enabled": object{"type": "boolean", "description": "false: the stage is off until it is switched on."},
		"use":     object{"type": "string", "minLength": 1, "description": "Another file, whose chain comes in here."},
	}
	for _, k := range filters.All() {
		alone = append(alone, k.Name)
		kinds[k.Name] = kindSchema(k)
	}
	return object{
		"description": "The chain: filters, from top to bottom.",
		"type":        []string{"array", "null"},
		"items": object{"oneOf": []object{
			{"type": "string", "enum": alone},
			{"type": "object", "properties": kinds, "additionalProperties": false, "minProperties": 1, "maxProperties": 3},
		}},
	}
}

func kindSchema(k filters.Kind) object {
	properties := object{}
	var required []string
	for _, p := range filters.Declared(k) {
		properties[p.Name] = paramSchema(p)
		if p.Required {
			required = append(required, p.Name)
		}
	}
	schema := closed(properties)
	schema["type"] = []string{"object", "null"}
	if required != nil {
		schema["type"], schema["required"] = "object", required
	}
	schema["description"] = k.Doc
	return schema
}

func paramSchema(p filters.Param) object {
	s := object{"description": p.Doc, "default": p.Default}
	if p.Required {
		delete(s, "default")
	}
	switch p.Type {
	case filters.Int, filters.Odd, filters.Float:
		s["type"], s["minimum"], s["maximum"] = "integer", p.Min, p.Max
		if p.Type == filters.Float {
			s["type"] = "number"
		}
		if p.Type == filters.Odd {
			s["not"] = object{"multipleOf": 2}
		}
	case filters.Bool:
		s["type"] = "boolean"
	case filters.Enum:
		var choices []any
		for _, c := range p.Choices {
			choices = append(choices, c)
			if n, err := strconv.ParseFloat(c, 64); err == nil { // users write it as a number
				choices = append(choices, n)
			}
		}
		s["enum"] = choices
	case filters.Colour:
		s["type"], s["pattern"] = "string", "^(#[0-9a-fA-F]{6}|[A-Za-z]+)$"
	case filters.Points:
		s["type"] = "string"
		s["pattern"] = fmt.Sprintf(`^\s*([0-9.]+,[0-9.]+(\s+|$)){%g,%g}$`, p.Min, p.Max)
	case filters.Text:
		s["type"] = "string"
		if p.Required {
			s["minLength"] = 1
		}
	case filters.Words:
		s["oneOf"] = []object{
			{"type": "string", "pattern": `^\S+$`},
			{"type": "array", "items": object{"type": []string{"string", "number"}}, "minItems": 1},
		}
	case filters.Object:
		s["type"], s["default"] = "object", object{}
	}
	return s
}

func ruleSchema() object {
	text := func(doc string) object { return object{"type": "string", "minLength": 1, "description": doc} }
	number := func(doc string, highest float64) object {
		return object{"type": "number", "minimum": 0, "maximum": highest, "description": doc}
	}
	duration := func(doc string) object {
		doc += " A time such as 500ms, 2s or 1m."
		return object{"type": "string", "pattern": `^([0-9.]+(ms|s|m|h))+$`, "description": doc}
	}
	matching := func(pattern, doc string) object {
		return object{"type": "string", "pattern": pattern, "description": doc}
	}
	word := object{"type": []string{"string", "number", "boolean"}}
	rule := closed(object{
		"stage":     text("Only what the stage of this name finds."),
		"label":     text("Only what has this label."),
		"min_score": number("Only what has at least this score.", 1e9),
		"min_area":  number("Only what takes at least so many percent of the frame.", 100),
		"for":       duration("Only once it has been there that long."),
		"cooldown":  duration("From one time that something is done to the next; 10s if left out."),
		"run": object{
			"description": "A program and its arguments, without a shell. It gets the event as JSON on its standard input.",
			"oneOf":       []object{matching(`^\S+$`, "A program."), {"type": "array", "items": word, "minItems": 1}},
		},
		"post":     matching("^https?://.", "An address to which the event is posted as JSON."),
		"snapshot": matching(`\.([jJ][pP][eE]?[gG]|[pP][nN][gG])$`, "A file that gets the frame as it is shown."),
		"clip":     matching(`\.[mM][jJ][pP][eE][gG]$`, "A file that gets the camera's frames before and after."),
		"before":   duration("How much of what came before is in the clip; 3s if left out."),
		"after":    duration("How much of what comes after is in the clip; 5s if left out."),
	})
	rule["anyOf"] = []object{
		{"required": []string{"run"}}, {"required": []string{"post"}}, {"required": []string{"snapshot"}}, {"required": []string{"clip"}},
	}
	return rule
}
