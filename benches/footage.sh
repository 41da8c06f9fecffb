#!/usr/bin/env bash
# Generates the footage for `cargo bench --bench compare`: three sets of synthetic clips with the bit
# rates of camera files.
#
# Encoding is slow, copying is fast. So each long-GOP set has a few encodes, and each clip is a copy
# that starts at another keyframe and has another title. Existing files are kept: a second run costs
# nothing, and an interrupted one resumes.
set -euo pipefail

usage() {
    cat >&2 <<'USAGE'
usage: footage.sh DIR; the number of clips comes from the environment

  DIR/S1       1080p H.264, 25 Mbit/s, 10 s, MP4 and MOV        CLIPS_S1=40
  DIR/S2/h264  2160p H.264, 60 Mbit/s, 20 s, MP4                CLIPS_S2=12, half of them
  DIR/S2/hevc  2160p HEVC 10-bit, 60 Mbit/s, 20 s, MOV          the other half
  DIR/S3/KIND  ProRes, DNxHR, XAVC-I, AVCHD, MJPEG, Matroska    CLIPS_S3=8 of each kind
USAGE
    exit 2
}

[ $# -eq 1 ] || usage
case $1 in -*) usage ;; esac

readonly root=$1
readonly clips_s1=${CLIPS_S1:-40} clips_s2=${CLIPS_S2:-12} clips_s3=${CLIPS_S3:-8}
readonly encodes=$root/.encodes

# Runs ffmpeg unless OUT exists. Writes to a hidden file first, so OUT is never incomplete.
# encode OUT ARGUMENTS...
encode() {
    local out=$1
    shift
    [ ! -e "$out" ] || return 0
    mkdir -p "${out%/*}"
    echo "footage: ${out#"$root"/}" >&2
    local part=${out%/*}/.part-${out##*/}
    ffmpeg -nostdin -v error -y "$@" "$part"
    mv "$part" "$out"
}

# Sets the ffmpeg inputs for moving video with sensor noise, different for each seed. With noise, the
# encoder uses its whole bit rate, as with real footage.
# picture SIZE SECONDS SEED STRENGTH -> ${picture[@]}
picture() {
    local size=$1 seconds=$2 seed=$3 strength=$4 source
    case $((seed % 3)) in
        0) source="testsrc2=s=$size:r=25,scroll=h=0.00$((seed % 7 + 1))" ;;
        1) source="gradients=s=$size:r=25:n=8:speed=0.02:seed=$seed" ;;
        2) source="mandelbrot=s=$size:r=25:maxiter=$((200 + seed))" ;;
    esac
    picture=(
        -f lavfi -i "$source,noise=alls=$strength:allf=t:all_seed=$seed"
        -f lavfi -i "anoisesrc=r=48000:a=0.1:seed=$seed,aformat=channel_layouts=stereo"
        -t "$seconds" -shortest
    )
}

# Sets the arguments for an H.264 encode with closed GOPs and B-frames, as in a camera.
# h264 MBITS GOP -> ${h264[@]}
h264() {
    h264=(
        -c:v libx264 -preset veryfast -profile:v high -pix_fmt yuv420p
        -b:v "${1}M" -maxrate "${1}M" -bufsize "${1}M" -bf 2
        -x264-params "keyint=$2:min-keyint=$2:scenecut=0:open-gop=0"
    )
}

# Sets the metadata that differ between the clips of a set.
# metadata NUMBER -> ${metadata[@]}
metadata() {
    metadata=(
        -metadata "title=Scene $(($1 / 8 + 1)) take $(($1 % 8 + 1))"
        -metadata "creation_time=$(printf '2026-05-11T%02d:%02d:00Z' $((8 + $1 / 60 % 12)) $(($1 % 60)))"
    )
}

# Set S1, from six encodes of 18 s: three MP4 with AAC, three MOV with PCM and a timecode track, with
# GOPs of 12 or 25 frames.
s1() {
    local n
    for ((n = 0; n < clips_s1; n++)); do
        local encode=$((n % 6))
        local gop=$((encode % 2 ? 25 : 12)) kind=$((encode / 3))
        # GOPs start at a whole number of frames of 40 ms each.
        local start_ms=$((n / 6 % 8 * (gop == 25 ? 1 : 2) * gop * 40))
        local suffix=mp4 sound=(-c:a aac -b:a 192k) timecode=()
        if [ "$kind" -eq 1 ]; then
            suffix=mov sound=(-c:a pcm_s16le)
            timecode=(-timecode "$(printf '10:%02d:00:00' $((n % 60)))")
        fi
        local out
        out=$root/S1/$(printf 'C%04d' $((n + 1))).$suffix
        [ ! -e "$out" ] || continue
        picture 1920x1080 18 $((encode + 1)) 18
        h264 25 "$gop"
        encode "$encodes/s1-$encode.$suffix" "${picture[@]}" "${h264[@]}" "${sound[@]}"
        metadata "$n"
        encode "$out" -ss "${start_ms}ms" -i "$encodes/s1-$encode.$suffix" -map 0:v -map 0:a -t 10 \
            -c copy "${timecode[@]}" "${metadata[@]}"
    done
    rm -rf "$encodes"
}

# Encodes 6 s and repeats them five times: encoding 30 s of 4K takes too long.
# s2_encode FORMAT NUMBER SUFFIX CODEC-ARGUMENTS...
s2_encode() {
    local format=$1 number=$2 suffix=$3
    shift 3
    local once=$encodes/$format-$number-once.$suffix
    picture 3840x2160 6 $((number * 4 + 7)) 10
    encode "$once" "${picture[@]}" "$@"
    encode "$encodes/$format-$number.$suffix" -stream_loop 4 -i "$once" -map 0:v -map 0:a -c copy
}

# Set S2. The index is at the end of every file, where cameras write it.
# STEP-MS is a multiple of the GOP length: a copy that starts inside a GOP would contain hidden frames.
# s2 FORMAT CLIPS STEP-MS SUFFIX CODEC-ARGUMENTS...
s2() {
    local format=$1 clips=$2 step_ms=$3 suffix=$4
    shift 4
    local n
    for ((n = 0; n < clips; n++)); do
        local out
        out=$root/S2/$format/$(printf '%s%04d' "${format^^}" $((n + 1))).$suffix
        [ ! -e "$out" ] || continue
        s2_encode "$format" $((n % 2)) "$suffix" "$@"
        metadata "$n"
        encode "$out" -ss "$((n / 2 % 6 * step_ms))ms" -i "$encodes/$format-$((n % 2)).$suffix" \
            -map 0:v -map 0:a -t 20 -c copy "${metadata[@]}"
    done
    rm -rf "$encodes"
}

# Set S3, clips of one kind: encodes two; the others are copies without the beginning.
# STEP-MS is a multiple of the GOP length, as for S2.
# s3 KIND SECONDS STEP-MS SUFFIX CODEC-ARGUMENTS...
s3() {
    local kind=$1 seconds=$2 step_ms=$3 suffix=$4 n
    shift 4
    local container=()
    [ "$suffix" != mts ] || container=(-f mpegts -mpegts_m2ts_mode 1)
    numbered() { printf '%s/S3/%s/%s_%03d.%s' "$root" "$kind" "$kind" "$1" "$suffix"; }
    for ((n = 0; n < clips_s3; n++)); do
        metadata "$n"
        if [ "$n" -lt 2 ]; then
            picture 1920x1080 "$seconds" $((n + 20)) 14
            encode "$(numbered $((n + 1)))" "${picture[@]}" "$@" "${container[@]}" "${metadata[@]}"
        else
            encode "$(numbered $((n + 1)))" -ss "$((n / 2 * step_ms))ms" \
                -i "$(numbered $((n % 2 + 1)))" -map 0:v -map 0:a -c copy \
                "${container[@]}" "${metadata[@]}"
        fi
    done
}

s3_all() {
    s3 prores 3 120 mov -c:v prores_ks -profile:v hq -vendor apl0 -pix_fmt yuv422p10le \
        -c:a pcm_s24le -timecode 10:00:00:00
    s3 dnxhr 3 120 mxf -c:v dnxhd -profile:v dnxhr_hq -pix_fmt yuv422p -c:a pcm_s16le
    s3 xavc-i 4 120 mxf -c:v libx264 -preset veryfast -pix_fmt yuv422p10le \
        -x264-params avcintra-class=100:avcintra-flavor=sony:keyint=1 -c:a pcm_s24le
    h264 24 12
    s3 avchd 10 480 mts "${h264[@]}" -c:a ac3 -b:a 256k
    s3 mjpeg-mov 6 120 mov -c:v mjpeg -q:v 6 -pix_fmt yuvj420p -c:a pcm_s16le
    s3 mjpeg-avi 6 120 avi -c:v mjpeg -q:v 6 -pix_fmt yuvj422p -c:a pcm_s16le
    h264 20 25
    s3 matroska 10 1000 mkv "${h264[@]}" -c:a aac -b:a 192k
}

mkdir -p "$root"
s1
h264 60 12
s2 h264 $(((clips_s2 + 1) / 2)) 960 mp4 "${h264[@]}" -c:a aac -b:a 192k
s2 hevc $((clips_s2 / 2)) 1000 mov -c:v libx265 -preset ultrafast -pix_fmt yuv420p10le -tag:v hvc1 \
    -b:v 60M -maxrate 60M -bufsize 60M \
    -x265-params keyint=25:min-keyint=25:scenecut=0:open-gop=0:bframes=2:log-level=error \
    -c:a pcm_s16le
s3_all
