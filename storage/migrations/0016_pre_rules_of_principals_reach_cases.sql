-- By whose rules a referral was made (digest, empty if nobody's held) and which sites it listed, so that
-- rules that change are noticed. Null: decided before it was kept; such a referral stands until something else
-- asks for another version. Of the cases that are open the rules are known from the document.
alter table referral add column agreement text, add column listed text[];

update referral as r
set agreement = coalesce(convert_from(r.document, 'UTF8')::jsonb #>> '{inputs,principal_digest}', '')
from repair_case as c
where c.vehicle_id = r.vehicle_id and c.case_id = r.case_id and c.closed_at is null;
