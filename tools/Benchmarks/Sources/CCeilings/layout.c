#include "CCeilings.h"

#include <hdf5/serial/hdf5.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int lay_out_bare(const char *path, int layers, long inputs, long units) {
  unlink(path);
  hid_t of_file = H5Pcreate(H5P_FILE_CREATE), of_group = H5Pcreate(H5P_GROUP_CREATE);
  hid_t of_dataset = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_obj_track_times(of_file, 0);
  H5Pset_obj_track_times(of_group, 0);
  H5Pset_obj_track_times(of_dataset, 0);
  H5Pset_alloc_time(of_dataset, H5D_ALLOC_TIME_EARLY);
  H5Pset_fill_time(of_dataset, H5D_FILL_TIME_NEVER);
  hsize_t sizes[2] = {(hsize_t)inputs, (hsize_t)units};
  hid_t shape = H5Screate_simple(2, sizes, NULL), one = H5Screate(H5S_SCALAR);
  hid_t text = H5Tcopy(H5T_C_S1);
  H5Tset_size(text, H5T_VARIABLE);
  H5Tset_cset(text, H5T_CSET_UTF8);
  hid_t file = H5Fcreate(path, H5F_ACC_EXCL, of_file, H5P_DEFAULT);
  hid_t list = H5Gcreate2(file, "layers", H5P_DEFAULT, of_group, H5P_DEFAULT);
  int succeeded = list >= 0;
  for (int index = 0; index < layers && succeeded; index++) {
    char name[32];
    const char *value = name;
    if (index == 0) strcpy(name, "dense");
    else snprintf(name, sizeof name, "dense_%d", index);
    hid_t layer = H5Gcreate2(list, name, H5P_DEFAULT, of_group, H5P_DEFAULT);
    hid_t vars = H5Gcreate2(layer, "vars", H5P_DEFAULT, of_group, H5P_DEFAULT);
    hid_t attribute = H5Acreate2(vars, "name", text, one, H5P_DEFAULT, H5P_DEFAULT);
    succeeded = H5Awrite(attribute, text, &value) >= 0;
    hid_t dataset =
        H5Dcreate2(vars, "0", H5T_IEEE_F32LE, shape, H5P_DEFAULT, of_dataset, H5P_DEFAULT);
    succeeded = succeeded && dataset >= 0;
    H5Dclose(dataset);
    H5Aclose(attribute);
    H5Gclose(vars);
    H5Gclose(layer);
  }
  H5Gclose(list);
  H5Sclose(shape);
  H5Sclose(one);
  H5Tclose(text);
  H5Pclose(of_file);
  H5Pclose(of_group);
  H5Pclose(of_dataset);
  return H5Fclose(file) >= 0 && succeeded;
}
