/*
 * Lower bound for the comparison: makes one poster per clip directly with libav, in one process and
 * without a catalogue. The difference to btsindex is the overhead of btsindex.
 *
 * It is written in C so that it shares no code with the program that it is compared with.
 *
 *   floor [--header-only] [--strip N] OUT FILE...
 *
 * Writes the facts of each FILE as one line to stdout, and its picture to OUT/NAME.jpg: the keyframe
 * at or before 35 % of the duration, 480 pixels wide, or N keyframes, 240 pixels wide, side by side.
 * Exits with 1 if a file gave no picture.
 */
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POSTER_WIDTH = 480, TILE_WIDTH = 240, QUALITY = 3, MAX_TILES = 64 };

static const double POSTER_AT = 0.35;

/* Command-line options. */
typedef struct {
    const char *out;
    int header_only;
    int tiles; /* 0 for a poster */
} Options;

/* Open clip with its video stream and decoder. */
typedef struct {
    AVFormatContext *format;
    AVStream *video;
    AVCodecContext *decoder;
} Clip;

/*
 * Returns 1 if packets have to be read to find the facts: MPEG-TS has no header, and some headers do
 * not describe the video.
 */
static int lacks_facts(const AVFormatContext *format)
{
    if (!strcmp(format->iformat->name, "mpegts"))
        return 1;
    for (unsigned i = 0; i < format->nb_streams; i++) {
        const AVCodecParameters *codec = format->streams[i]->codecpar;
        if (codec->codec_type == AVMEDIA_TYPE_VIDEO &&
            (codec->codec_id == AV_CODEC_ID_NONE || codec->width <= 0))
            return 1;
    }
    return format->nb_streams == 0;
}

static int open_clip(const char *path, Clip *clip)
{
    int error = avformat_open_input(&clip->format, path, NULL, NULL);
    if (error < 0)
        return error;
    if (lacks_facts(clip->format) && (error = avformat_find_stream_info(clip->format, NULL)) < 0)
        return error;
    int best = av_find_best_stream(clip->format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
    if (best < 0)
        return best;
    for (unsigned i = 0; i < clip->format->nb_streams; i++)
        if ((int)i != best)
            clip->format->streams[i]->discard = AVDISCARD_ALL;
    clip->video = clip->format->streams[best];
    return 0;
}

static int open_decoder(Clip *clip)
{
    const AVCodec *codec = avcodec_find_decoder(clip->video->codecpar->codec_id);
    if (!codec)
        return AVERROR_DECODER_NOT_FOUND;
    clip->decoder = avcodec_alloc_context3(codec);
    if (!clip->decoder)
        return AVERROR(ENOMEM);
    int error = avcodec_parameters_to_context(clip->decoder, clip->video->codecpar);
    if (error < 0)
        return error;
    clip->decoder->thread_count = 1;
    return avcodec_open2(clip->decoder, codec, NULL);
}

static void close_clip(Clip *clip)
{
    avcodec_free_context(&clip->decoder);
    avformat_close_input(&clip->format);
}

/* Returns the duration of the video in units of the stream's time base; 0 if unknown. */
static int64_t duration(const Clip *clip)
{
    if (clip->video->duration > 0)
        return clip->video->duration;
    if (clip->format->duration > 0)
        return av_rescale_q(clip->format->duration, AV_TIME_BASE_Q, clip->video->time_base);
    return 0;
}

/* Returns the frames per second. MXF and AVI headers have edit units instead, of one frame each. */
static AVRational rate(const Clip *clip)
{
    AVRational guessed = av_guess_frame_rate(clip->format, clip->video, NULL);
    return guessed.num > 0 ? guessed : av_inv_q(clip->video->time_base);
}

/* Prints the stored size: MXF headers state 1088 lines for video that is displayed with 1080. */
static void print_facts(const char *path, const Clip *clip)
{
    const AVCodecParameters *codec = clip->video->codecpar;
    const AVDictionaryEntry *title = av_dict_get(clip->format->metadata, "title", NULL, 0);
    AVRational frames = rate(clip);
    printf("%s\t%s\t%dx%d\t%d/%d\t%.3f\t%s\n", path, avcodec_get_name(codec->codec_id), codec->width,
           codec->height, frames.num, frames.den,
           (double)duration(clip) * av_q2d(clip->video->time_base), title ? title->value : "");
}

/* Reads the next keyframe. */
static int read_keyframe(Clip *clip, AVPacket *packet)
{
    int error;
    while ((error = av_read_frame(clip->format, packet)) >= 0) {
        if (packet->stream_index == clip->video->index && (packet->flags & AV_PKT_FLAG_KEY))
            return 0;
        av_packet_unref(packet);
    }
    return error;
}

/* Decodes the keyframe at or before `position`, a fraction of the duration. */
static int decode_at(Clip *clip, double position, AVFrame *frame)
{
    int64_t start = clip->video->start_time != AV_NOPTS_VALUE ? clip->video->start_time : 0;
    int64_t time = start + (int64_t)((double)duration(clip) * position);
    AVPacket *packet = av_packet_alloc();
    if (!packet)
        return AVERROR(ENOMEM);
    int error = av_seek_frame(clip->format, clip->video->index, time, AVSEEK_FLAG_BACKWARD);
    if (error >= 0)
        error = read_keyframe(clip, packet);
    if (error >= 0) {
        avcodec_flush_buffers(clip->decoder);
        error = avcodec_send_packet(clip->decoder, packet);
    }
    /* Without a flush, the decoder waits for frames that may be displayed earlier. */
    if (error >= 0)
        error = avcodec_send_packet(clip->decoder, NULL);
    if (error >= 0)
        error = avcodec_receive_frame(clip->decoder, frame);
    av_packet_free(&packet);
    return error;
}

static int height_for(const AVFrame *frame, int width)
{
    return (int)av_rescale(width, frame->height, frame->width) & ~1;
}

static AVFrame *new_picture(int width, int height)
{
    AVFrame *picture = av_frame_alloc();
    if (!picture)
        return NULL;
    picture->format = AV_PIX_FMT_YUVJ420P;
    picture->width = width;
    picture->height = height;
    if (av_frame_get_buffer(picture, 0) < 0)
        av_frame_free(&picture);
    return picture;
}

/* Scales `frame` to `width` and writes it into `picture`, starting at column `left`. */
static int scale_into(const AVFrame *frame, AVFrame *picture, int left, int width)
{
    struct SwsContext *scaler =
        sws_getContext(frame->width, frame->height, frame->format, width, picture->height,
                       picture->format, SWS_AREA, NULL, NULL, NULL);
    if (!scaler)
        return AVERROR(ENOMEM);
    uint8_t *planes[4] = {picture->data[0] + left, picture->data[1] + left / 2,
                          picture->data[2] + left / 2, NULL};
    sws_scale(scaler, (const uint8_t *const *)frame->data, frame->linesize, 0, frame->height, planes,
              picture->linesize);
    sws_freeContext(scaler);
    return 0;
}

static int encode_jpeg(AVFrame *picture, AVPacket *packet)
{
    const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_MJPEG);
    AVCodecContext *encoder = codec ? avcodec_alloc_context3(codec) : NULL;
    if (!encoder)
        return AVERROR_ENCODER_NOT_FOUND;
    encoder->width = picture->width;
    encoder->height = picture->height;
    encoder->pix_fmt = picture->format;
    encoder->time_base = (AVRational){1, 25};
    encoder->flags |= AV_CODEC_FLAG_QSCALE;
    encoder->global_quality = FF_QP2LAMBDA * QUALITY;
    encoder->thread_count = 1;
    picture->quality = encoder->global_quality;
    int error = avcodec_open2(encoder, codec, NULL);
    if (error >= 0)
        error = avcodec_send_frame(encoder, picture);
    if (error >= 0)
        error = avcodec_receive_packet(encoder, packet);
    avcodec_free_context(&encoder);
    return error;
}

/* Writes the picture as OUT/NAME.jpg. */
static int write_jpeg(const Options *options, const char *path, AVFrame *picture)
{
    const char *slash = strrchr(path, '/');
    char name[4096];
    snprintf(name, sizeof name, "%s/%s.jpg", options->out, slash ? slash + 1 : path);
    AVPacket *packet = av_packet_alloc();
    if (!packet)
        return AVERROR(ENOMEM);
    int error = encode_jpeg(picture, packet);
    if (error >= 0) {
        FILE *file = fopen(name, "wb");
        size_t written = file ? fwrite(packet->data, 1, (size_t)packet->size, file) : 0;
        if (!file || fclose(file) || written != (size_t)packet->size)
            error = AVERROR(EIO);
    }
    av_packet_free(&packet);
    return error;
}

/* Draws `tiles` evenly spaced keyframes, or the poster, into a new picture. */
static int draw(Clip *clip, int tiles, AVFrame **picture)
{
    int count = tiles ? tiles : 1, width = tiles ? TILE_WIDTH : POSTER_WIDTH, error = 0;
    AVFrame *frame = av_frame_alloc();
    if (!frame)
        return AVERROR(ENOMEM);
    for (int i = 0; i < count && error >= 0; i++) {
        error = decode_at(clip, tiles ? (i + 0.5) / count : POSTER_AT, frame);
        if (error >= 0 && !*picture &&
            !(*picture = new_picture(count * width, height_for(frame, width))))
            error = AVERROR(ENOMEM);
        if (error >= 0)
            error = scale_into(frame, *picture, i * width, width);
        av_frame_unref(frame);
    }
    av_frame_free(&frame);
    return error;
}

static int process(const Options *options, const char *path)
{
    Clip clip = {0};
    AVFrame *picture = NULL;
    int error = open_clip(path, &clip);
    if (error >= 0)
        print_facts(path, &clip);
    if (error >= 0 && !options->header_only) {
        error = open_decoder(&clip);
        if (error >= 0)
            error = draw(&clip, options->tiles, &picture);
        if (error >= 0)
            error = write_jpeg(options, path, picture);
    }
    av_frame_free(&picture);
    close_clip(&clip);
    return error;
}

int main(int argc, char **argv)
{
    Options options = {0};
    int next = 1;
    for (; next < argc && !strncmp(argv[next], "--", 2); next++) {
        if (!strcmp(argv[next], "--header-only"))
            options.header_only = 1;
        else if (!strcmp(argv[next], "--strip") && next + 1 < argc)
            options.tiles = atoi(argv[++next]);
    }
    if (argc - next < 2 || options.tiles < 0 || options.tiles > MAX_TILES) {
        fprintf(stderr, "usage: floor [--header-only] [--strip N] OUT FILE...\n");
        return 2;
    }
    options.out = argv[next++];
    av_log_set_level(AV_LOG_ERROR);

    int failed = 0;
    for (; next < argc; next++) {
        int error = process(&options, argv[next]);
        if (error < 0) {
            fprintf(stderr, "floor: %s: %s\n", argv[next], av_err2str(error));
            failed = 1;
        }
    }
    return failed;
}
