// KerasConfiguration
