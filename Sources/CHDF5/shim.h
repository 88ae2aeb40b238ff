// What Swift cannot import from libhdf5: macros that call H5open() or cast. One static inline per
// macro, no logic; everything else is called directly.
#pragma once
#if !__has_include(<hdf5/serial/hdf5.h>)
#error "libhdf5 is missing: run tools/install-dependencies, or: apt-get install libhdf5-dev"
#endif
#include <hdf5/serial/hdf5.h>

// Files.
static inline unsigned chdf5_acc_rdonly(void) { return H5F_ACC_RDONLY; }
static inline unsigned chdf5_acc_rdwr(void) { return H5F_ACC_RDWR; }
static inline unsigned chdf5_acc_excl(void) { return H5F_ACC_EXCL; }
static inline unsigned chdf5_obj_any_local(void) {
  return (H5F_OBJ_ALL & ~H5F_OBJ_FILE) | H5F_OBJ_LOCAL;
}
static inline unsigned chdf5_obj_file(void) { return H5F_OBJ_FILE; }
static inline unsigned chdf5_obj_all(void) { return H5F_OBJ_ALL; }
static inline hid_t chdf5_every_file(void) { return (hid_t)H5F_OBJ_ALL; }
static inline haddr_t chdf5_haddr_undef(void) { return HADDR_UNDEF; }

// Property lists and error stacks.
static inline hid_t chdf5_p_default(void) { return H5P_DEFAULT; }
static inline hid_t chdf5_p_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t chdf5_p_file_create(void) { return H5P_FILE_CREATE; }
static inline hid_t chdf5_p_group_create(void) { return H5P_GROUP_CREATE; }
static inline hid_t chdf5_p_dataset_create(void) { return H5P_DATASET_CREATE; }
static inline hid_t chdf5_e_default(void) { return H5E_DEFAULT; }

// Dataspaces and objects.
static inline hid_t chdf5_s_all(void) { return H5S_ALL; }
static inline unsigned chdf5_o_info_basic(void) { return H5O_INFO_BASIC; }
static inline unsigned chdf5_o_info_hdr(void) { return H5O_INFO_HDR; }

// Datatypes.
static inline hid_t chdf5_ieee_f32le(void) { return H5T_IEEE_F32LE; }
static inline hid_t chdf5_ieee_f32be(void) { return H5T_IEEE_F32BE; }
static inline hid_t chdf5_ieee_f64le(void) { return H5T_IEEE_F64LE; }
static inline hid_t chdf5_ieee_f64be(void) { return H5T_IEEE_F64BE; }
static inline hid_t chdf5_std_i8le(void) { return H5T_STD_I8LE; }
static inline hid_t chdf5_std_i16le(void) { return H5T_STD_I16LE; }
static inline hid_t chdf5_std_i32le(void) { return H5T_STD_I32LE; }
static inline hid_t chdf5_std_i64le(void) { return H5T_STD_I64LE; }
static inline hid_t chdf5_std_u8le(void) { return H5T_STD_U8LE; }
static inline hid_t chdf5_std_u16le(void) { return H5T_STD_U16LE; }
static inline hid_t chdf5_std_u32le(void) { return H5T_STD_U32LE; }
static inline hid_t chdf5_std_u64le(void) { return H5T_STD_U64LE; }
static inline hid_t chdf5_c_s1(void) { return H5T_C_S1; }
static inline size_t chdf5_t_variable(void) { return H5T_VARIABLE; }
