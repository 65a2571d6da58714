-- Heavy goods vehicles: the car profile that comes with OSRM, on the roads that a truck may take.
-- Measures and weight: Directive 96/53/EC, annex I (articulated vehicles).
local car = require('car')

local function setup()
  local profile = car.setup()
  profile.vehicle_height = 4.0   -- m
  profile.vehicle_width = 2.55   -- m
  profile.vehicle_length = 16.5  -- m
  profile.vehicle_weight = 40000 -- kg
  profile.vehicle_max_speed = 80 -- km/h
  profile.access_tags_hierarchy = Sequence { 'hgv', 'goods', 'motor_vehicle', 'vehicle', 'access' }
  profile.restrictions = Sequence { 'hgv', 'goods', 'motor_vehicle', 'vehicle' }
  return profile
end

return {
  setup = setup,
  process_way = car.process_way,
  process_node = car.process_node,
  process_turn = car.process_turn,
}
