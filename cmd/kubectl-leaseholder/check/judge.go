package check

import "time"

// judge says everything, the causes before their effects.
func judge(s *snapshot, now time.Time) []result {
	return []result{
		s.apiServer(),
		s.forPods(),
		s.forWorkloads(),
		s.authorities(now),
		s.certificate(now),
		s.replicas(),
		s.endpoints(),
		s.admissionPolicies(),
		s.tried(),
		s.missing(),
		s.outdated(),
		s.labelled(),
	}
}
