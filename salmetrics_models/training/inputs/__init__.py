"""What trainings read: stages, samples, backbones, and their features on disk.

May import `loop`, but no kind of training: neither `readouts` nor `deepgaze_acw` nor `emlnet`.
"""
