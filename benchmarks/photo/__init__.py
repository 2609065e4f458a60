"""What training and measuring the codec of photographs share."""
