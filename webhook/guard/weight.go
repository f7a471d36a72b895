package guard

const (
	// copies is how often the text of a request is in memory: as it came, the object
	// in it, the strings of the decoded one, and the answer.
	copies = 4
	// perElement is what an element of a list takes, decoded, in bytes: that of a
	// container, the largest thing that a pod has lists of, in a list that grows.
	perElement = 2 << 10
	// perObject is what an object takes beside its fields, in bytes: that of the largest
	// which a pod has somewhere else than in a list.
	perObject = 1 << 10
	// perField is what a field takes, in bytes: that of an entry of a map that grows.
	perField = 256
)

// weigh judges what a JSON document takes in memory when it is decoded, in bytes, by its
// size and by the values in it. It ends when it is more than most. What is no JSON weighs
// something too, and is refused by who decodes it.
func weigh(document []byte, most int64) int64 {
	weight := copies * int64(len(document))
	quoted, escaped := false, false
	var lists []bool // what is open, and whether it is a list
	for _, c := range document {
		if weight > most {
			break
		}
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped, quoted = c == '\\', c != '"'
		case c == '"':
			quoted = true
		case c == '[':
			weight += perElement
			lists = append(lists, true)
		case c == '{':
			weight += perObject + perField
			lists = append(lists, false)
		case c == ',' && len(lists) > 0 && lists[len(lists)-1]:
			weight += perElement
		case c == ',':
			weight += perField
		case (c == ']' || c == '}') && len(lists) > 0:
			lists = lists[:len(lists)-1]
		}
	}
	return weight
}
