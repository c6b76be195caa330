"""DeepGaze I, II and IIE: architecture, network, and the density models that users call.

Built on backbones, prediction and weights; neither EML-NET nor a training is imported here.
"""
