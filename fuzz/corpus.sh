#!/usr/bin/env bash
# Makes the seeds in corpus/ of the fixtures: cut to what an input may hold, one file each.
set -euo pipefail
cd "$(dirname "$0")"

readonly LONGEST=65536
mkdir -p corpus/{header,harvest,sidecar}

# Seed `$1` of what comes on standard input.
seed() { head -c "$LONGEST" >"corpus/$1"; }

while IFS= read -r -d '' file; do
  name=${file#../fixtures/footage/}
  name=${name//\//_}
  case ${file,,} in
    *.xml | *.srt) seed "sidecar/$name" <"$file" ;;
    *.mkv)
      seed "header/$name" <"$file"
      # Choices first: a codec, no configuration, pictures of 6 bytes.
      { printf '\x06\x00\x06\x00' && cat "$file"; } | seed "harvest/$name"
      ;;
    *) seed "header/$name" <"$file" ;;
  esac
done < <(find ../fixtures/footage -type f -print0)

# Keys as they are stored, after their configuration: an IDR picture, one that is none, a CRA.
avcc='\x01\x64\x00\x0d\xff' hvcc='\x01ABCDEFGHIJKLMNOPQRST\xff'
printf '%b' "\x00\x05\x06\x00$avcc\x00\x00\x00\x02\x06\x80\x00\x00\x00\x02\x65\x88" | seed harvest/idr
printf '%b' "\x00\x05\x06\x00$avcc\x00\x00\x00\x02\x41\x88" | seed harvest/no-idr
printf '%b' "\x01\x16\x06\x00$hvcc\x00\x00\x00\x03\x2a\x01\xaf" | seed harvest/cra
# What comes back: a segment, and in it one picture each way.
segment='\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff'
simple='\x1f\x43\xb6\x75\x90\xe7\x82\x03\xe8\xa3\x8a\x81\x00\x00\x80\x01\x02\x03\x04\x05\x06'
group='\x1f\x43\xb6\x75\x92\xe7\x82\x07\xd0\xa0\x8c\xa1\x8a\x81\x00\x00\x00\x01\x02\x03\x04\x05\x06'
printf '%b' "\x06\x00\x06\x00$segment$simple$group" | seed harvest/pictures
