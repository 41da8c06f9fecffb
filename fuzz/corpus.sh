#!/usr/bin/env bash
# Writes the seeds in corpus/ from the fixtures, one file each, cut to the maximum input length.
set -euo pipefail
cd "$(dirname "$0")"

readonly MAX_LENGTH=65536
mkdir -p corpus/{header,harvest,query,sidecar}

# Writes seed `$1` from standard input.
seed() { head -c "$MAX_LENGTH" >"corpus/$1"; }

while IFS= read -r -d '' file; do
  name=${file#../fixtures/footage/}
  name=${name//\//_}
  case ${file,,} in
    *.xml | *.srt) seed "sidecar/$name" <"$file" ;;
    *.mkv)
      seed "header/$name" <"$file"
      # The first four bytes select a codec, no configuration, and pictures of 6 bytes.
      { printf '\x06\x00\x06\x00' && cat "$file"; } | seed "harvest/$name"
      ;;
    *) seed "header/$name" <"$file" ;;
  esac
done < <(find ../fixtures/footage -type f -print0)

# Formats that the fixtures lack: 0.4 s of small video with sound.
make() { # NAME OPTIONS...
  ffmpeg -v error -y -f lavfi -i testsrc=size=64x48:rate=25:duration=0.4 \
    -f lavfi -i sine=sample_rate=48000:duration=0.4 "${@:2}" "corpus/header/$1"
  [[ $(stat -c %s "corpus/header/$1") -le $MAX_LENGTH ]] || truncate -s "$MAX_LENGTH" "corpus/header/$1"
}
h264=(-c:v libx264 -g 5 -bf 2 -pix_fmt yuv420p)
make made.mkv "${h264[@]}" -c:a ac3
make made-cut.mkv -c:v libx265 -x265-params log-level=none -g 5 -c:a flac -f matroska -live 1
make made.webm -c:v libvpx-vp9 -g 5 -c:a libopus
make made-vp8.webm -c:v libvpx -g 5 -c:a libvorbis
make made.avi -c:v mjpeg -q:v 20 -c:a libmp3lame
make made.ts "${h264[@]}" -c:a aac
make made.m2ts -c:v libx264 -g 5 -flags +ildct+ilme -x264opts tff=1 -c:a ac3 -mpegts_m2ts_mode 1
make made-mpeg2.mxf -c:v mpeg2video -g 6 -bf 2 -q:v 20 -c:a pcm_s16le
make made-intra.mxf "${h264[@]}" -g 1 -crf 45 -c:a pcm_s16le
make made-vc3.mxf -s 256x120 -c:v dnxhd -profile:v dnxhr_lb -pix_fmt yuv422p -frames:v 3 -c:a pcm_s16le
make made-atom.mxf -an -s 256x120 -c:v dnxhd -profile:v dnxhr_lb -pix_fmt yuv422p -frames:v 3 -f mxf_opatom

# Keyframes after their decoder configuration: an IDR picture, a non-IDR picture, a CRA picture.
avcc='\x01\x64\x00\x0d\xff' hvcc='\x01ABCDEFGHIJKLMNOPQRST\xff'
printf '%b' "\x00\x05\x06\x00$avcc\x00\x00\x00\x02\x06\x80\x00\x00\x00\x02\x65\x88" | seed harvest/idr
printf '%b' "\x00\x05\x06\x00$avcc\x00\x00\x00\x02\x41\x88" | seed harvest/no-idr
printf '%b' "\x01\x16\x06\x00$hvcc\x00\x00\x00\x03\x2a\x01\xaf" | seed harvest/cra
# Output of ffmpeg: a Matroska segment with one SimpleBlock and one BlockGroup.
segment='\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff'
simple='\x1f\x43\xb6\x75\x90\xe7\x82\x03\xe8\xa3\x8a\x81\x00\x00\x80\x01\x02\x03\x04\x05\x06'
group='\x1f\x43\xb6\x75\x92\xe7\x82\x07\xd0\xa0\x8c\xa1\x8a\x81\x00\x00\x00\x01\x02\x03\x04\x05\x06'
printf '%b' "\x06\x00\x06\x00$segment$simple$group" | seed harvest/pictures

# Queries of every form, from the tests: valid and invalid ones.
number=0
while IFS= read -r query; do
  number=$((number + 1))
  [[ $query == '# '* ]] || printf '%s' "${query%% →*}" | seed "query/$number"
done < <(cat ../tests/asks/finds.txt ../tests/asks/wrong.txt)
