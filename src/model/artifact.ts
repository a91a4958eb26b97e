// Artifacts: files that a failed browser visit leaves for people to look at. Redacted where they are made.

export const ARTIFACT_KINDS = ['screenshot', 'exchanges', 'console'] as const;
export type ArtifactKind = (typeof ARTIFACT_KINDS)[number];
