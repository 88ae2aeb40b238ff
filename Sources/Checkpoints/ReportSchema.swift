/// What the project prints for machines. A key is never renamed or given another meaning under the same
/// version.
public enum ReportSchema {
  public static let version = 1
}
