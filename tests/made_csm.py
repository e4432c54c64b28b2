"""A CSM for tests: the real architecture with a hundred thousand random weights. It makes noise that has nothing to do with the text."""

from pathlib import Path

_SPECIAL = ("<|begin_of_text|>", "<|end_of_text|>", "<|AUDIO|>", "<|audio_eos|>", "<|pad|>")
_TEMPLATE = (
    "{%- for message in messages %}{%- for item in message['content'] %}{%- if item['type'] == 'text' %}"
    "{{- bos_token + '[' + message['role'] + ']' + item['text'] + '<|end_of_text|>' }}"
    "{%- else %}{{- '<|AUDIO|><|audio_eos|>' }}{%- endif %}{%- endfor %}{%- endfor %}"
)
_CODEBOOKS = 4  # the network ends when all but one are 0: with fewer, chance would end it
_CODES = 64  # and three that stand for no sound, as in the real one
_WIDTH = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}


def make_csm(folder: Path) -> Path:
    """Writes it as `from_pretrained` reads it; returns the folder. Needs torch and transformers."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        CsmConfig,
        CsmForConditionalGeneration,
        CsmProcessor,
        EncodecFeatureExtractor,
        MimiConfig,
        PreTrainedTokenizerFast,
    )

    letters = {letter: number for number, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocab=letters, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.add_special_tokens(list(_SPECIAL))
    begin, _, audio, audio_end, pad = (tokenizer.token_to_id(token) for token in _SPECIAL)
    text = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=_SPECIAL[0], eos_token=_SPECIAL[1], pad_token=_SPECIAL[4])
    sound = EncodecFeatureExtractor(feature_size=1, sampling_rate=24_000)
    CsmProcessor(sound, text, chat_template=_TEMPLATE).save_pretrained(str(folder))
    codec = MimiConfig(
        **_WIDTH,
        num_filters=4,
        codebook_size=_CODES,
        codebook_dim=8,
        num_quantizers=_CODEBOOKS,
        vector_quantization_hidden_dimension=8,
        num_key_value_heads=2,
        upsample_groups=32,
    )
    depth = {"num_codebooks": _CODEBOOKS, "backbone_hidden_size": 32, "vocab_size": _CODES + 3, "num_key_value_heads": 1}
    config = CsmConfig(
        **_WIDTH,
        num_codebooks=_CODEBOOKS,
        vocab_size=_CODES + 3,
        text_vocab_size=len(text),
        num_key_value_heads=1,
        codebook_pad_token_id=_CODES + 2,
        codebook_eos_token_id=0,
        bos_token_id=begin,
        pad_token_id=pad,
        audio_token_id=audio,
        audio_eos_token_id=audio_end,
        depth_decoder_config=depth | _WIDTH | {"max_position_embeddings": _CODEBOOKS + 1},
        codec_config=codec.to_dict(),
    )
    torch.manual_seed(0)
    CsmForConditionalGeneration(config).save_pretrained(str(folder))
    return folder
