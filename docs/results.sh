#!/usr/bin/env bash
# Reproduces docs/results by the protocol of docs/figures.md: figures on random manifolds for every choice of initial weights,
# and the claims tested on them. Existing runs and those recorded in docs/results are not repeated, so the script can be stopped
# and restarted: it takes many hours.
#
#     docs/results.sh [FIGURES_DIR] [STAGE...]      # the folder of runs and figures, by default figures/; stages as below
set -euo pipefail
figures=${1:-figures}
shift || true
stages=${*:-activity reduced claims full files batches keep}
results=$(dirname "${BASH_SOURCE[0]}")/results
snn=${SNN:-cargo run --release --quiet --bin snn --}
names="active printed gain-3 fluctuation-driven gain-2 gain-6 gain-8"
speech=fsdd,speech_commands_ten_words

# directory SCALE NAME: the folder of the figures with these initial weights
directory() { if [ "$2" = active ]; then echo "$1"; else echo "$1-$2"; fi; }

# made SCALE NAME OPTIONS...: makes figures and prints the time
made() {
    local scale=$1 name=$2 start=$SECONDS out
    shift 2
    out=$(directory "$scale" "$name")
    mkdir -p "$figures/$out"
    # Earlier runs, from this machine or others.
    if [ -f "$results/$out/runs.jsonl" ] && [ ! -f "$figures/$out/runs.jsonl" ]; then
        cp "$results/$out/runs.jsonl" "$figures/$out/"
    fi
    $snn figure "$@" --scale "$scale" --initialization "$name" --out "$figures/$out" >/dev/null
    echo "$scale $name, figure $*: $((SECONDS - start)) s"
}

for stage in $stages; do
    case $stage in
    activity) $snn figure activity --out "$figures" ;;
    reduced)
        for name in $names; do made reduced "$name" 2; made reduced "$name" 3 --shallow; done
        for name in $names; do made reduced "$name" 8; made reduced "$name" 6 9 --data randman; made reduced "$name" 3 5; done
        ;;
    claims)
        # Claims that need only a part of the runs of their figure.
        made full active --claims 3c,4b,5c
        made full active --claims 7i
        ;;
    full)
        for name in active printed; do made full "$name" 1 2 8; made full "$name" 6 9 --data randman; made full "$name" 3 5; done
        ;;
    files)
        made reduced active 6 9 --data mnist
        for name in active printed; do made full "$name" 6 9 --data $speech; done
        for name in active printed; do made full "$name" 6 7 9 --data mnist,$speech; done
        ;;
    batches)
        # Those that the first batch of seeds left undecided.
        made full active --claims 5b,7c,8b,8d --batches 2
        ;;
    keep)
        for path in "$figures"/{full,reduced}*; do
            [ -d "$path" ] || continue
            out=$results/$(basename "$path")
            mkdir -p "$out"
            find "$path" -maxdepth 1 -name 'figure*.svg' -exec cp {} "$out/" \;
            find "$path" -maxdepth 1 \( -name 'figure*.csv' -size -100k -o -name runs.jsonl \) -exec cp {} "$out/" \;
        done
        cp "$figures"/activity.{svg,csv} "$results/"
        $snn claims --figures "$figures" --format markdown --draw "$results/claims.svg" >"$results/claims.md"
        ;;
    *)
        echo "unknown stage $stage: use activity, reduced, claims, full, files, batches or keep" >&2
        exit 2
        ;;
    esac
done
