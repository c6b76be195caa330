"""EML-NET: encoders, their decoder, and the saliency map model that users call.

Built on backbones, prediction and weights; neither DeepGaze nor a training is imported here.
"""
