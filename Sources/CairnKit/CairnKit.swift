// CairnKit
