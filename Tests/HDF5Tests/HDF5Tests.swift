// HDF5Tests
