"""What every stage program stands on: options, the stage record, inputs told apart, damage noticed."""
