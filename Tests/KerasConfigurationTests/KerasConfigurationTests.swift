// KerasConfigurationTests
