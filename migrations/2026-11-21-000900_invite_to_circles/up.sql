-- Who is invited into which circle, and how memberships end: free places and people who left wait before the next time.

ALTER TABLE circle_members ADD COLUMN left_how text;
UPDATE circle_members SET left_how = 'LEFT' WHERE left_at IS NOT NULL;
ALTER TABLE circle_members
    ADD CONSTRAINT circle_members_left_how_known
        CHECK (left_how IN ('LEFT', 'REMOVED', 'BANNED', 'DISBANDED', 'DISBANDED_AS_OWNER')),
    ADD CONSTRAINT circle_members_left_whole CHECK ((left_at IS NULL) = (left_how IS NULL));
COMMENT ON COLUMN circle_members.left_how IS 'How it ended; null for active members';
CREATE INDEX circle_members_left_circle ON circle_members (circle_id, left_at) WHERE left_at IS NOT NULL;
CREATE INDEX circle_members_left_miner ON circle_members (miner_id, left_at) WHERE left_at IS NOT NULL;

CREATE TABLE circle_invitations (
    id uuid NOT NULL,
    circle_id uuid NOT NULL,
    invitee_id uuid NOT NULL,
    status text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    decided_at timestamptz,
    CONSTRAINT circle_invitations_pkey PRIMARY KEY (id),
    CONSTRAINT circle_invitations_circle_id_fkey FOREIGN KEY (circle_id) REFERENCES circles (id),
    CONSTRAINT circle_invitations_invitee_id_fkey FOREIGN KEY (invitee_id) REFERENCES miners (id),
    CONSTRAINT circle_invitations_status_known
        CHECK (status IN ('PENDING', 'ACCEPTED', 'DECLINED', 'CANCELLED', 'EXPIRED')),
    CONSTRAINT circle_invitations_decided_whole
        CHECK ((status IN ('ACCEPTED', 'DECLINED', 'CANCELLED')) = (decided_at IS NOT NULL)),
    CONSTRAINT circle_invitations_expire_later CHECK (expires_at > created_at)
);
CREATE UNIQUE INDEX circle_invitations_one_pending ON circle_invitations (circle_id, invitee_id) WHERE status = 'PENDING';
CREATE INDEX circle_invitations_due ON circle_invitations (expires_at) WHERE status = 'PENDING';
CREATE INDEX circle_invitations_sent ON circle_invitations (circle_id, created_at);
CREATE INDEX circle_invitations_received ON circle_invitations (invitee_id, created_at, id);
COMMENT ON TABLE circle_invitations IS 'Who was invited into which circle, and what became of it';
COMMENT ON COLUMN circle_invitations.id IS 'The invitation';
COMMENT ON COLUMN circle_invitations.circle_id IS 'Into which circle; its owner invites';
COMMENT ON COLUMN circle_invitations.invitee_id IS 'Whom';
COMMENT ON COLUMN circle_invitations.status IS 'As last stored: a PENDING one may have expired since';
COMMENT ON COLUMN circle_invitations.created_at IS 'When it was sent';
COMMENT ON COLUMN circle_invitations.expires_at IS 'Until when it can be accepted';
COMMENT ON COLUMN circle_invitations.decided_at IS 'When it was accepted, declined or cancelled';

CREATE INDEX circles_created_at ON circles (created_at, id);

GRANT SELECT, INSERT, UPDATE ON circle_invitations, circle_members TO goodgo_app;
