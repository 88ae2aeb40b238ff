internal import COneDNN

/// The vector instructions for which oneDNN chooses its kernels on this machine, such as
/// `avx512_core`. Matrix products have the same bits only where it is the same.
public var matrixInstructionSet: String {
  let isa = dnnl_get_effective_cpu_isa()
  let names: [(isa: dnnl_cpu_isa_t, name: String)] = [
    (dnnl_cpu_isa_sse41, "sse41"), (dnnl_cpu_isa_avx, "avx"), (dnnl_cpu_isa_avx2, "avx2"),
    (dnnl_cpu_isa_avx2_vnni, "avx2_vnni"), (dnnl_cpu_isa_avx512_core, "avx512_core"),
    (dnnl_cpu_isa_avx512_core_vnni, "avx512_core_vnni"),
    (dnnl_cpu_isa_avx512_core_bf16, "avx512_core_bf16"),
    (dnnl_cpu_isa_avx512_core_amx, "avx512_core_amx"),
  ]
  return names.first { $0.isa == isa }?.name ?? "isa \(isa.rawValue)"
}
