/// Which Cairn this is.
public enum CairnVersion {
  /// By semantic versioning; what `--version` tells. The formats that Cairn writes have numbers of their own.
  public static let current = "0.9.0"
}
