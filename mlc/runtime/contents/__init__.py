"""What models' files contain, on its way from the centre into working directories; the large ones once a machine."""
