#!/usr/bin/env bash
# Makes what lies in docs/results: figures on random manifolds at full scale, figures on files at quick scale, and the claims
# held against both. Runs that are there already are not repeated, so that it can be stopped and started again.
#
#     cargo xtask fetch-data mnist fsdd speech_commands_ten_words --mirror URL_OR_DIR
#     docs/results.sh [FIGURES_DIR]        # where runs and figures are made, by default figures/
set -euo pipefail
figures=${1:-figures}
results=$(dirname "${BASH_SOURCE[0]}")/results
snn=${SNN:-cargo run --release --quiet --bin snn --}
files=mnist,fsdd,speech_commands_ten_words

# made SCALE NUMBER OPTIONS...: a figure, and how long it took
made() {
    local scale=$1 number=$2 start=$SECONDS
    shift 2
    $snn figure "$number" --scale "$scale" --out "$figures/$scale" "$@" >/dev/null
    echo "figure $number, $scale: $((SECONDS - start)) s"
}

for number in 1 2 3 5 8; do made full "$number"; done
for number in 6 9; do made full "$number" --data randman; done
for number in 6 7 9; do made quick "$number" --data $files; done

# Sweeps that look into claims which do not hold; they share runs with the figures.
for sweep in lost-classes larger-weights; do
    $snn sweep plan "$results/$sweep.toml" --no-measure --dir "$figures/sweeps/$sweep" --runs ../../full/runs >/dev/null
    $snn sweep run "$figures/sweeps/$sweep" --quiet >/dev/null
    cp "$figures/sweeps/$sweep/groups.csv" "$results/$sweep.csv"
done

# keep SCALE NUMBER...: drawings, and numbers unless they are many
keep() {
    local scale=$1 number
    shift
    mkdir -p "$results/$scale"
    for number in "$@"; do
        cp "$figures/$scale/figure$number.svg" "$results/$scale/"
        find "$figures/$scale" -maxdepth 1 -name "figure$number*.csv" -size -100k -exec cp {} "$results/$scale/" \;
    done
}
rm -rf "$results/full" "$results/quick"
keep full 1 2 3 5 6 8 9
keep quick 6 7 9
$snn claims --figures "$figures" --format markdown >"$results/claims.md"
$snn claims --figures "$figures" | tail -n 20 | grep " claims:"
