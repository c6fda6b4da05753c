#!/usr/bin/env bash
# Generates a small substitute for the Heidelberg Digits from synthetic voices, in the layout of the published archive: 48 kHz
# FLAC, English and German, train_filenames.txt and test_filenames.txt, twelve speakers, of which 04 and 05 are only in the test
# part. For testing `rawhd` from files to results; its results do not carry over to the real recordings.
#
#     apt-get install espeak-ng sox
#     docs/spoken-digits.sh DIR
#     cargo run --release -- train rawhd --set data.directory=DIR
set -euo pipefail
folder=${1:?"the folder to make, such as /tmp/spoken-digits"}
for program in espeak-ng sox; do
    command -v $program >/dev/null || { echo "no $program here: apt-get install espeak-ng sox" >&2; exit 1; }
done
voices=(m1 f1 m2 f2 m3 f3 m4 f4 m5 f5 m6 m7)
english=(zero one two three four five six seven eight nine)
german=(null eins zwei drei vier fünf sechs sieben acht neun)

mkdir -p "$folder/audio"
: >"$folder/train_filenames.txt"
: >"$folder/test_filenames.txt"
for speaker in "${!voices[@]}"; do
    for language in english german; do
        [ $language = english ] && code=en words=("${english[@]}") || code=de words=("${german[@]}")
        # The trials of a speaker differ in speed and pitch.
        for trial in 0 1 2 3 4 5; do
            for digit in {0..9}; do
                name=$(printf 'lang-%s_speaker-%02d_trial-%d_digit-%d.flac' $language "$speaker" "$trial" "$digit")
                espeak-ng -v "$code+${voices[speaker]}" -s $((130 + 12 * trial)) -p $((35 + 7 * ((3 * trial + digit) % 6))) \
                    --stdout "${words[digit]}" | sox -t wav - -r 48000 -b 16 -c 1 "$folder/audio/$name" 2>/dev/null
                # The last trial of each training speaker is in the test part.
                list=train
                if [ "$speaker" = 4 ] || [ "$speaker" = 5 ] || [ "$trial" = 5 ]; then list=test; fi
                echo "$name" >>"$folder/${list}_filenames.txt"
            done
        done
    done
done
echo "$(ls "$folder/audio" | wc -l) recordings in $folder"
