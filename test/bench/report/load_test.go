package report

import "testing"

func TestTheBudgetOfALoadIsForTenThousandElections(t *testing.T) {
	for name, test := range map[string]struct {
		load   Load
		budget int
		missed int
	}{
		"fewer elections have none":       {Load{Elections: 3000, Renewals: 300, RestCPU: 1, RestMiB: 999, StartPeak: 999}, 0, 0},
		"ten thousand within it":          {Load{Elections: 10_000, Renewals: 300, RestCPU: 0.2, RestMiB: 256, StartPeak: 256}, 3, 0},
		"ten thousand beyond it":          {Load{Elections: 10_000, Renewals: 300, RestCPU: 0.3, RestMiB: 257, StartPeak: 258}, 3, 3},
		"more renewals than it speaks of": {Load{Elections: 10_000, Renewals: 1001, RestCPU: 1, RestMiB: 999, StartPeak: 999}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			budget, missed := 0, 0
			for _, row := range test.load.rows() {
				if row.Budget != "" {
					budget++
					if !row.Within {
						missed++
					}
				}
			}
			if budget != test.budget || missed != test.missed {
				t.Errorf("%d budgets, %d missed, want %d and %d", budget, missed, test.budget, test.missed)
			}
		})
	}
}
