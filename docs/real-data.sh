#!/usr/bin/env bash
# Trains on the real data sets that fit on a laptop and prints the table of the README: mean and standard deviation of the
# test accuracy over five seeds, with the epoch selected on validation. Existing runs are not repeated.
#
#     cargo xtask fetch-data mnist fsdd speech_commands_ten_words --mirror URL_OR_DIR
#     docs/real-data.sh [RUNS_DIR] [NAME...]            # all rows, or the named ones: mnist, fsdd, strangers, ten-words
#     docs/real-data.sh choose [RUNS_DIR] [NAME...]     # validation accuracies of the tested settings, with seed 0
#
# The settings below are those with the best validation accuracy in `choose`; the test parts were not used.
set -euo pipefail
choose=false
if [ "${1:-}" = choose ]; then choose=true; shift; fi
runs=${1:-runs/real-data}
[ $# = 0 ] || shift
names=" ${*:-mnist fsdd strangers ten-words} "
snn=${SNN:-cargo run --release --quiet --bin snn --}
data=${SNN_DATA_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/snn}

# train RUN PRESET CHANGES...
train() {
    local run="$runs/$1" preset=$2 changes=() change
    shift 2
    for change in "$@"; do changes+=(--set "$change"); done
    $snn train "$preset" --quiet --resume --run-dir "$run" "${changes[@]}" >/dev/null
}

# value KEY RUN: the first value of this key in the status of a run. `accuracy` is the best validation accuracy.
value() { grep -o "\"$1\": *[0-9.e-]*" "$runs/$2/status.json" | head -1 | cut -d: -f2; }

# try NAME PRESET CHANGES...: the validation accuracy
try() {
    local name=$1
    train "choose-$@"
    echo "$name: validation$(value accuracy "choose-$name")"
}

# rates "RATES" NAME PRESET CHANGES...
rates() {
    local rates=$1 name=$2 preset=$3 rate
    shift 3
    for rate in $rates; do
        try "$name-$rate" "$preset" "optimizer.learning_rate=$rate" "$@"
    done
}

# row NAME PRESET RATE CHANGES...
row() {
    local name=$1 preset=$2 rate=$3 seed
    shift 3
    for seed in 0 1 2 3 4; do
        train "$name-$seed" "$preset" "optimizer.learning_rate=$rate" "initialization.seed=$seed" "training.seed=$seed" "$@"
        value test_accuracy "$name-$seed"
    done | awk -v name="$name" -v rate="$rate" '
        { sum += $1; squares += $1 * $1 }
        END { mean = sum / NR; sd = sqrt((squares - NR * mean * mean) / (NR - 1))
              printf "| %s | %s | %.1f +- %.1f %% |\n", name, rate, 100 * mean, 100 * sd }'
}

# wanted NAME DATA_SET
wanted() {
    [[ "$names" = *" $1 "* ]] || return 1
    [ -d "$data/$2" ] || { echo "missing data set: $2" >&2; return 1; }
}

# both NAME PRESET RATE RECURRENT_RATE CHANGES...: feed-forward and recurrent
both() {
    local name=$1 preset=$2 rate=$3 recurrent=$4
    shift 4
    if $choose; then
        rates "0.001 0.002 0.005 0.01 0.02" "$name" "$preset" "$@"
        rates "0.001 0.002 0.005 0.01 0.02" "$name-recurrent" "$preset-recurrent" "$@"
    else
        row "$name" "$preset" "$rate" "$@"
        row "$name-recurrent" "$preset-recurrent" "$recurrent" "$@"
    fi
}

$choose || printf '| data, network | learning rate | test accuracy |\n|---|---|---|\n'

if wanted mnist mnist; then
    # Without the upper regularizer, the network spikes often and memorizes the training images. Its strength and threshold are
    # selected like the learning rate.
    mnist=(initialization.gain=1 training.epochs=30 regularizer.upper_strength=0.3 regularizer.upper_threshold=0.35
        optimizer.learning_rate_decay=0.95)
    slow=(network.tau_mem=40 network.tau_syn=20 network.tau_readout=40)
    if $choose; then
        for upper in "0 0" "0.3 0.5" "0.3 0.35" "1 0.5"; do
            read -r strength threshold <<<"$upper"
            rates "0.005 0.01 0.02" "mnist-$strength-$threshold" mnist initialization.gain=1 training.epochs=30 \
                "regularizer.upper_strength=$strength" "regularizer.upper_threshold=$threshold"
        done
        # The best of these, with a decaying rate; then also with slower units than in the paper.
        try mnist-decay mnist optimizer.learning_rate=0.01 "${mnist[@]}"
        try mnist-slow-decay mnist optimizer.learning_rate=0.01 "${mnist[@]}" "${slow[@]}"
    else
        row mnist mnist 0.01 "${mnist[@]}"
        row mnist-slow mnist 0.01 "${mnist[@]}" "${slow[@]}"
    fi
fi
if wanted fsdd fsdd; then
    both fsdd fsdd 0.01 0.01 training.epochs=20
fi
if wanted strangers fsdd; then
    # The recordings of one speaker are the test part, those of another the validation part.
    both strangers fsdd 0.001 0.01 training.epochs=20 'data.test={by="speakers",speakers=["theo"]}' \
        'data.valid={by="speakers",speakers=["lucas"]}'
fi
if wanted ten-words speech_commands_ten_words; then
    both ten-words speech_commands_ten_words 0.005 0.002 training.epochs=20
fi
