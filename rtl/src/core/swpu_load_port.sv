// SPDX-License-Identifier: Apache-2.0
// The load port of a core: reads the lines of a window, gathers its operand vectors in a register of
// its own, and hands the window over as soon as a slot of the window buffer is free.
//
// Each port reads a run of neighbouring elements a cycle; data arrive in the cycle after. A line is read
// once and serves all its taps, those too that are left for the next window of the tile. In the weight
// gradient as many ports read the output gradients of the rows that need any entry.
module swpu_load_port (
  input  logic                                              clk_i,
  input  logic                                              rst_ni,
  // The next window, with what belongs to it, and its tile.
  input  logic                                              window_valid_i,
  output logic                                              window_ready_o,
  input  swpu_types_pkg::window_t                           window_i,
  input  logic                                              makes_gradients_i,
  input  swpu_types_pkg::tile_t                             tile_i,
  // Activation memory: runs of lines of a tile.
  output logic [swpu_types_pkg::NumberBits-1:0]             tile_number_o,
  output swpu_types_pkg::line_read_t [swpu_pkg::PortsPerCore-1:0] read_o,
  output swpu_types_pkg::tile_t                             read_from_o,
  input  swpu_types_pkg::run_t [swpu_pkg::PortsPerCore-1:0] read_data_i,
  // Output memory: runs of a row's output gradients in the tile.
  output swpu_types_pkg::gradient_read_t [swpu_pkg::PortsPerCore-1:0] gradient_read_o,
  input  swpu_types_pkg::run_t [swpu_pkg::PortsPerCore-1:0] gradient_data_i,
  // The next slot of the window buffer is free.
  input  logic                                              slot_free_i,
  // The window's last reads are under way and its slot is its own; complete in the cycle after.
  output logic                                              hands_over_o,
  // A complete window.
  output logic                                              publish_o,
  output swpu_types_pkg::control_t                          control_o,
  output swpu_types_pkg::vector_t [swpu_pkg::Window-1:0]    vectors_o,
  output swpu_types_pkg::operand_t [swpu_pkg::Rows-1:0][swpu_pkg::Lanes-1:0] gradients_o,
  output logic                                              busy_o
);

  if (swpu_pkg::PortsPerCore < 1) begin : gen_ports
    $error("PortsPerCore is %0d; 1 or more are allowed", swpu_pkg::PortsPerCore);
  end

  import swpu_types_pkg::*;

  localparam int unsigned Window = swpu_pkg::Window;
  localparam int unsigned Rows = swpu_pkg::Rows;
  localparam int unsigned Lanes = swpu_pkg::Lanes;
  localparam int unsigned Ports = swpu_pkg::PortsPerCore;
  localparam int unsigned Elements = swpu_pkg::PortElements;

  // The current window.
  logic is_busy_q, is_first_q;
  found_t window_q;
  logic is_fresh_q;
  control_t control_q;
  tile_t tile_q;
  logic [NumberBits-1:0] tile_number_q;
  // The last line of the window before, and of this one, with which the next window may continue.
  logic [EntryBits-1:0] line_before_q, last_line;
  // First entries of the lines that are read, and entries that are ready from the window before.
  logic [Window-1:0] heads, stored;
  // Rows whose output gradients are read.
  logic [Rows-1:0] rows_q;

  logic takes, lines_done, gradients_done;
  assign takes = window_valid_i && window_ready_o;
  assign window_ready_o = !is_busy_q || hands_over_o;
  assign hands_over_o = is_busy_q && lines_done && gradients_done && slot_free_i;
  assign busy_o = is_busy_q || publish_o;

  // All of it is registered: a window arrives late in its cycle.
  swpu_window_lines i_lines (
    .window_i   (window_q),
    .is_fresh_i (is_fresh_q),
    .last_line_i(line_before_q),
    .heads_o    (heads),
    .stored_o   (stored),
    .last_line_o(last_line)
  );

  logic [Window-1:0][RunBits-1:0] line_runs;
  logic [Rows-1:0][RunBits-1:0] row_runs;
  logic [Ports-1:0] reads, reads_gradients;
  logic [Ports-1:0][RunBits-1:0] read_run, gradient_run;
  logic [Ports-1:0][Window-1:0] read_head;
  logic [Ports-1:0][Rows-1:0] gradient_head;

  always_comb begin
    for (int unsigned lane = 0; lane < Window; lane++) begin
      line_runs[lane] = heads[lane] ? tile_q.runs[window_q.entries[lane].row] : '0;
    end
    for (int unsigned row = 0; row < Rows; row++) begin
      row_runs[row] = rows_q[row] ? tile_q.gradient_runs : '0;
    end
  end

  swpu_read_walk #(
    .Items   (Window),
    .Ports   (Ports),
    .ReadBits(RunBits)
  ) i_line_walk (
    .clk_i,
    .rst_ni,
    .begin_i  (takes),
    .is_busy_i(is_busy_q),
    .reads_i  (line_runs),
    .read_o   (reads),
    .item_o   (read_head),
    .number_o (read_run),
    .done_o   (lines_done)
  );

  swpu_read_walk #(
    .Items   (Rows),
    .Ports   (Ports),
    .ReadBits(RunBits)
  ) i_gradient_walk (
    .clk_i,
    .rst_ni,
    .begin_i  (takes),
    .is_busy_i(is_busy_q),
    .reads_i  (row_runs),
    .read_o   (reads_gradients),
    .item_o   (gradient_head),
    .number_o (gradient_run),
    .done_o   (gradients_done)
  );

  always_comb begin
    for (int unsigned port = 0; port < Ports; port++) begin
      read_o[port] = '{valid: reads[port], line: '0, row: '0, run: read_run[port]};
      for (int unsigned lane = 0; lane < Window; lane++) begin
        if (read_head[port][lane]) begin
          read_o[port].line = read_o[port].line | window_q.entries[lane].line;
          read_o[port].row = read_o[port].row | window_q.entries[lane].row;
        end
      end
      gradient_read_o[port] = '{
        valid: reads_gradients[port], row: '0, run: gradient_run[port]
      };
      for (int unsigned row = 0; row < Rows; row++) begin
        if (gradient_head[port][row]) begin
          gradient_read_o[port].row = gradient_read_o[port].row | RowBits'(row);
        end
      end
    end
  end

  assign tile_number_o = tile_number_q;
  assign read_from_o = tile_q;

  // State for the cycle in which the data arrive.
  logic clears_q;
  logic [Window-1:0] uses_stored_q;
  logic [Window-1:0][KernelBits-1:0] lane_column_q;
  logic [Window-1:0][Ports-1:0] lane_hits_q;
  logic [Ports-1:0] read_q, stores_q;
  logic [Ports-1:0][RunBits-1:0] read_run_q;
  place_t [Ports-1:0][Lanes-1:0] read_places_q;
  place_t [KernelSize-1:0][Lanes-1:0] columns_q;
  gradient_read_t [Ports-1:0] gradient_read_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      is_busy_q <= 1'b0;
      is_first_q <= 1'b0;
      window_q <= '0;
      is_fresh_q <= 1'b0;
      control_q <= '0;
      tile_q <= '0;
      tile_number_q <= '0;
      line_before_q <= '0;
      rows_q <= '0;
    end else if (takes) begin
      is_busy_q <= 1'b1;
      is_first_q <= 1'b1;
      window_q <= window_i.found;
      is_fresh_q <= window_i.is_fresh;
      for (int unsigned lane = 0; lane < Window; lane++) begin
        control_q.tags[lane] <= window_i.found.entries[lane].tag;
      end
      control_q.needed <= window_i.found.needed;
      control_q.own <= window_i.own;
      control_q.drains <= window_i.drains;
      control_q.number <= window_i.number;
      tile_q <= tile_i;
      tile_number_q <= window_i.tile;
      line_before_q <= last_line;
      for (int unsigned row = 0; row < Rows; row++) begin
        rows_q[row] <= makes_gradients_i && |window_i.found.needed[row];
      end
    end else begin
      if (hands_over_o) is_busy_q <= 1'b0;
      is_first_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      clears_q <= 1'b0;
      uses_stored_q <= '0;
      lane_column_q <= '0;
      lane_hits_q <= '0;
      read_q <= '0;
      stores_q <= '0;
      read_run_q <= '0;
      read_places_q <= '0;
      columns_q <= '0;
      gradient_read_q <= '0;
      publish_o <= 1'b0;
      control_o <= '0;
    end else begin
      clears_q <= is_busy_q && is_first_q;
      uses_stored_q <= stored & {Window{is_busy_q && is_first_q}};
      read_q <= reads;
      read_run_q <= read_run;
      columns_q <= tile_q.columns;
      for (int unsigned lane = 0; lane < Window; lane++) begin
        lane_column_q[lane] <= window_q.entries[lane].column;
        for (int unsigned port = 0; port < Ports; port++) begin
          lane_hits_q[lane][port] <=
              reads[port] && window_q.entries[lane].line == read_o[port].line;
        end
      end
      for (int unsigned port = 0; port < Ports; port++) begin
        stores_q[port] <= reads[port] && read_o[port].line == last_line;
        read_places_q[port] <= tile_q.rows[read_o[port].row];
      end
      gradient_read_q <= gradient_read_o;
      publish_o <= hands_over_o;
      if (hands_over_o) control_o <= control_q;
    end
  end

  // The runs' elements of the vectors of their lines, column by column.
  vector_t [Ports-1:0][KernelSize-1:0] gathered;

  for (genvar port = 0; port < Ports; port++) begin : gen_port
    for (genvar column = 0; column < KernelSize; column++) begin : gen_column
      swpu_run_gather i_gather (
        .read_i   (read_q[port]),
        .run_i    (read_run_q[port]),
        .data_i   (read_data_i[port]),
        .rows_i   (read_places_q[port]),
        .columns_i(columns_q[column]),
        .vector_o (gathered[port][column])
      );
    end
  end

  // The register of the port, and the vectors of the line with which the next window may continue.
  vector_t [Window-1:0] vectors_q;
  vector_t [KernelSize-1:0] stored_vectors_d, stored_vectors_q;
  operand_t [Rows-1:0][Lanes-1:0] gradients_q;

  always_comb begin
    stored_vectors_d = stored_vectors_q;
    for (int unsigned port = 0; port < Ports; port++) begin
      if (stores_q[port]) begin
        for (int unsigned column = 0; column < KernelSize; column++) begin
          stored_vectors_d[column] = read_run_q[port] == '0
              ? gathered[port][column] : stored_vectors_d[column] | gathered[port][column];
        end
      end
    end
  end

  for (genvar lane = 0; lane < Window; lane++) begin : gen_lane
    swpu_lane_vector i_vector (
      .clears_i     (clears_q),
      .vector_i     (vectors_q[lane]),
      .column_i     (lane_column_q[lane]),
      .uses_stored_i(uses_stored_q[lane]),
      .stored_i     (stored_vectors_q),
      .hits_i       (lane_hits_q[lane]),
      .gathered_i   (gathered),
      .vector_o     (vectors_o[lane])
    );
  end

  always_comb begin
    gradients_o = gradients_q;
    for (int unsigned port = 0; port < Ports; port++) begin
      for (int unsigned row = 0; row < Rows; row++) begin
        for (int unsigned lane = 0; lane < Lanes; lane++) begin
          if (gradient_read_q[port].valid && gradient_read_q[port].row == RowBits'(row)
              && gradient_read_q[port].run == RunBits'(lane / Elements)) begin
            gradients_o[row][lane] = gradient_data_i[port][lane%Elements];
          end
        end
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      vectors_q <= '0;
      stored_vectors_q <= '0;
      gradients_q <= '0;
    end else begin
      vectors_q <= vectors_o;
      stored_vectors_q <= stored_vectors_d;
      gradients_q <= gradients_o;
    end
  end

endmodule
