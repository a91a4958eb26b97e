-- Component types that a repeated fault points at, likeliest first, with spaces between: what blame needs of it later.
-- Null: nothing, or written before this column was there. In `detail` it is `pointsAt`, a list.
ALTER TABLE shapes ADD COLUMN points_at TEXT;
