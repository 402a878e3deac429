"""What models that move a body share: where it stands and faces, rotations and forward kinematics, feet that stand."""
