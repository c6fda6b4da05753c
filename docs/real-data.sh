#!/usr/bin/env bash
# Trains on the real data sets that fit on a laptop and prints the table of the README: mean and standard deviation of the
# test accuracy over seeds, the epoch chosen on validation. Learning rates were chosen on the validation part, with seed 0,
# out of 0.002, 0.005, 0.01 and 0.02 (`docs/real-data.sh choose`). 20 epochs each. Runs that are there already are not repeated.
#
#     cargo xtask fetch-data mnist fsdd
#     docs/real-data.sh [choose] [RUNS_DIR]
set -euo pipefail
choose=false
if [ "${1:-}" = choose ]; then choose=true; shift; fi
runs=${1:-runs/real-data}
snn=${SNN:-cargo run --release --quiet --package snn-train --}

# train NAME PRESET CHANGES...
train() {
    local run="$runs/$1" preset=$2 changes=()
    shift 2
    for change in "$@"; do changes+=(--set "$change"); done
    $snn train "$preset" --quiet --resume --run-dir "$run" --set training.epochs=20 "${changes[@]}" >/dev/null
}

# value KEY RUN
value() { grep -o "\"$1\": *[0-9.e-]*" "$runs/$2/status.json" | cut -d: -f2; }

# row NAME PRESET RATE CHANGES...
row() {
    local name=$1 preset=$2 rate=$3
    shift 3
    if $choose; then
        for rate in 0.002 0.005 0.01 0.02; do
            train "choose-$name-$rate" "$preset" "optimizer.learning_rate=$rate" "$@"
            echo "$name, learning rate $rate: validation $(grep -o '"accuracy": *[0-9.]*' "$runs/choose-$name-$rate/status.json" | head -1 | cut -d: -f2)"
        done
        return
    fi
    for seed in 0 1 2 3 4; do
        train "$name-$seed" "$preset" "optimizer.learning_rate=$rate" "initialization.seed=$seed" "training.seed=$seed" "$@"
        value test_accuracy "$name-$seed"
    done | awk -v name="$name" -v rate="$rate" '
        { sum += $1; squares += $1 * $1 }
        END { mean = sum / NR; sd = sqrt((squares - NR * mean * mean) / (NR - 1))
              printf "| %s | %s | %.1f +- %.1f %% |\n", name, rate, 100 * mean, 100 * sd }'
}

# The recordings of one speaker are the test, those of another the validation.
strangers='data.test={by="speakers",speakers=["theo"]}'
others='data.valid={by="speakers",speakers=["lucas"]}'

if ! $choose; then
    echo "| data, network | learning rate | test accuracy |"
    echo "|---|---|---|"
fi
row fsdd fsdd 0.01
row fsdd-recurrent fsdd-recurrent 0.005
row fsdd-strangers fsdd 0.01 "$strangers" "$others"
row fsdd-strangers-recurrent fsdd-recurrent 0.005 "$strangers" "$others"
if [ -d "${SNN_DATA_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/snn}/speech_commands_ten_words" ]; then
    row ten-words speech_commands_ten_words 0.005
    row ten-words-recurrent speech_commands_ten_words-recurrent 0.005
else
    echo "not there: speech_commands_ten_words" >&2
fi
